import { readFile } from 'node:fs/promises'

/** Whether a process with this id exists and is no zombie that waits for its parent. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/**
 * When the process began, in the kernel's ticks since boot: with the id it names one process for ever. Undefined when
 * there is none, or no /proc.
 */
export async function startedAt(pid: number): Promise<string | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined)
  // The second field is the program's name in brackets and may contain anything; starttime is the 22nd field.
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
}

/** Signals a process that is not our child and waits until it is gone; SIGKILL when `timeoutMs` have passed. */
export async function signalAndWait(pid: number, signal: NodeJS.Signals, timeoutMs: number): Promise<void> {
  send(pid, signal)
  const deadline = Date.now() + timeoutMs
  for (let killed = false; isAlive(pid) && !(await isZombie(pid));) {
    if (!killed && Date.now() > deadline) {
      send(pid, 'SIGKILL')
      killed = true
    }
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

async function isZombie(pid: number): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
  return stat.slice(stat.lastIndexOf(')') + 2).startsWith('Z')
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch {
    // gone already
  }
}
