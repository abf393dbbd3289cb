/** A figure for whoever reads the run; jest's console would put a stack beside it. */
export const print = (text: string): void => void process.stdout.write(`${text}\n`)
