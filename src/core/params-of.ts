/** What a command or query takes, as a type. */

/**
 * The parameters of a command or query: `undefined` where it takes none, `unknown` where it does not say what it takes
 * (its parameter has no type of its own, or the app's type is not known).
 */
export type ParamsOf<F> = F extends (...given: infer Given) => unknown
  ? Given['length'] extends 0 | 1
    ? undefined
    : [Given[1]] extends [never]
      ? unknown
      : Given[1]
  : never;
