import { PassThrough } from 'node:stream';
import { expect, it } from 'vitest';
import { letReaderLeave } from './terminal.ts';

function failure(code: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`write ${code}`), { code });
}

it('takes a reader that left as no error, however often it is met', () => {
  const stream = new PassThrough();
  letReaderLeave(stream);
  for (let count = 0; count < 3; count++) expect(() => stream.emit('error', failure('EPIPE'))).not.toThrow();
});

it('throws every other error of the stream', () => {
  const stream = new PassThrough();
  letReaderLeave(stream);
  expect(() => stream.emit('error', failure('ENOSPC'))).toThrow('ENOSPC');
});
