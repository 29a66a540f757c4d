/**
 * A rejection that nobody handles ends its thread, in whatever mode Node was started: with `--unhandled-rejections=warn` it would go on
 * with a state that nobody vouches for. Thrown from here it is an uncaught exception, and of those there is no handler.
 */
export function endOfRejections(): void {
  process.on('unhandledRejection', (reason) => {
    throw reason;
  });
}
