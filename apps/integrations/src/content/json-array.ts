import { Readable } from 'node:stream'
import { setImmediate as turn } from 'node:timers/promises'
import { StreamableFile } from '@nestjs/common'

/** As many items as become text in one go, about half a megabyte: others have their turn between. */
const SLICE = 250

/**
 * A long answer, as the array of all that the batches have. What goes wrong before the first batch is an answer of its
 * own; later, the answer breaks off, which no client takes for a whole one.
 */
export async function jsonArray(batches: AsyncGenerator<readonly object[]>): Promise<StreamableFile> {
  const first = await batches.next()
  const text = Readable.from(written(first.done ? [] : first.value, batches), { objectMode: false })
  return new StreamableFile(text, { type: 'application/json; charset=utf-8' })
}

async function* written(
  first: readonly object[],
  rest: AsyncGenerator<readonly object[]>,
): AsyncGenerator<string, void, undefined> {
  let separator = '['
  for (let batch: readonly object[] | undefined = first; batch;) {
    for (let at = 0; at < batch.length; at += SLICE) {
      const slice = batch.slice(at, at + SLICE)
      yield separator + slice.map((item) => JSON.stringify(item)).join(',')
      separator = ','
      await turn()
    }
    const next: IteratorResult<readonly object[]> = await rest.next()
    batch = next.done ? undefined : next.value
  }
  yield separator === '[' ? '[]' : ']'
}
