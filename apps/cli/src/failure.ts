/** Why a command was not carried out, in a sentence that says who can mend what. Never a stack trace. */
export class Failure extends Error {
  /** @param exitCode 1: refused or failed; 2: the command line is wrong */
  constructor(
    message: string,
    readonly exitCode: 1 | 2 = 1,
  ) {
    super(message)
    this.name = 'Failure'
  }
}
