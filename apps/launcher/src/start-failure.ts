/** Why nothing runs, in words for the terminal. */
export class StartFailure extends Error {
  constructor(
    message: string,
    readonly exitCode = 1,
  ) {
    super(message)
  }
}
