/** A figure for whoever reads the run: on standard error, where jest reports; its console would put a stack beside it. */
export const print = (text: string): void => void process.stderr.write(`${text}\n`)
