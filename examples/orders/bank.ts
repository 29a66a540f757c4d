/** The bank as the shop sees it: a service of somebody else, which may be slow, unreachable, or say no. */

/** What is asked of the bank. */
export interface Charge {
  /** The bank charges once for a key, however often it is asked. */
  readonly key: string;
  readonly order: string;
  readonly card: string;
}

export interface Bank {
  /** Whether the card was charged. Rejects when the bank cannot be reached: then nobody knows, and it has to be asked again. */
  charge(charge: Charge, signal: AbortSignal): Promise<'charged' | 'declined'>;
}

/** The bank at a URL. */
export function bankAt(url: string | undefined): Bank {
  return {
    async charge(charge, signal) {
      if (url === undefined) throw new Error('BANK_URL is not set');
      const response = await fetch(url, { method: 'POST', body: JSON.stringify(charge), signal });
      if (response.status === 402) return 'declined';
      if (!response.ok) throw new Error(`the bank answers ${response.status}`);
      return 'charged';
    },
  };
}
