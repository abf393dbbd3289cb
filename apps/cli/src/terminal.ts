import { createInterface } from 'node:readline/promises'
import { Failure } from './failure.js'

/** Where a command speaks: results go to `out`, everything for people's eyes only to `note`. */
export interface Terminal {
  out(text: string): void
  note(text: string): void
  /** The answer to a question; `undefined` when nobody can be asked. */
  ask(question: string): Promise<string | undefined>
}

/** The terminal of this process. */
export const processTerminal: Terminal = {
  out: (text) => void process.stdout.write(`${text}\n`),
  note: (text) => void process.stderr.write(`${text}\n`),
  async ask(question) {
    if (!process.stdin.isTTY) return undefined
    const lines = createInterface({ input: process.stdin, output: process.stderr })
    try {
      return await lines.question(question)
    } catch {
      // Ctrl-D or Ctrl-C: no answer is no.
      return ''
    } finally {
      lines.close()
    }
  },
}

/**
 * Goes on only when somebody at the terminal says yes, or has said so on the command line.
 * @param yes whether `--yes` was given
 * @throws Failure
 */
export async function confirm(terminal: Terminal, question: string, yes: boolean): Promise<void> {
  if (yes) return
  const answer = await terminal.ask(`${question} [y/N] `)
  if (answer === undefined) {
    throw new Failure(`${question} Nobody can be asked here: add --yes if this is what you want. Nothing was changed.`)
  }
  if (!/^y(es)?$/i.test(answer.trim())) throw new Failure('Nothing was changed.')
}
