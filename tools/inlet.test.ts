import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { openInlet } from './inlet.ts';

const opened = () => {
  const source = new PassThrough();
  return { source, inlet: openInlet(source) };
};
const text = ({ kind, bytes }: { kind: string; bytes: Buffer }) => `${kind}: ${bytes.toString()}`;

describe('a wait', () => {
  it('takes what it asked for and leaves the rest for the next', async () => {
    const { source, inlet } = opened();
    source.write('head\r\n\r\nbody');
    expect(text(await inlet.until('\r\n\r\n', 100))).toBe('bytes: head\r\n\r\n');
    expect(text(await inlet.exactly(2, 100))).toBe('bytes: bo');
    expect(text(await inlet.some(100, 1))).toBe('bytes: d');
    expect(text(await inlet.some(100))).toBe('bytes: y');
  });

  it('gathers pieces until they make a whole', async () => {
    const { source, inlet } = opened();
    const taken = inlet.until('\r\n', 1_000);
    for (const piece of ['a', 'b\r', '\nc']) {
      await new Promise((resolve) => setTimeout(resolve, 2));
      source.write(piece);
    }
    expect(text(await taken)).toBe('bytes: ab\r\n');
  });

  it('that is late shows what there is and loses none of it', async () => {
    const { source, inlet } = opened();
    source.write('ab');
    expect(text(await inlet.exactly(3, 20))).toBe('late: ab');
    source.write('c');
    expect(text(await inlet.exactly(3, 100))).toBe('bytes: abc');
  });

  it('says overlong once more is held than it allows', async () => {
    const { source, inlet } = opened();
    source.write('0123456789');
    expect((await inlet.until('\r\n', 100, 8)).kind).toBe('overlong');
  });

  it('gets what came before the end, then the end', async () => {
    const { source, inlet } = opened();
    source.end('last');
    expect(text(await inlet.exactly(4, 100))).toBe('bytes: last');
    expect(text(await inlet.some(100))).toBe('ended: ');
    expect(await inlet.whenOver()).toBe('FIN');
  });

  it('gets what came before a failure, then its code', async () => {
    const { source, inlet } = opened();
    source.write('last');
    await new Promise((resolve) => setTimeout(resolve, 5));
    source.destroy(Object.assign(new Error('reset'), { code: 'ECONNRESET' }));
    expect(text(await inlet.exactly(4, 100))).toBe('bytes: last');
    expect(await inlet.some(100)).toMatchObject({ kind: 'failed', code: 'ECONNRESET' });
  });

  it('refuses to be one of two at a time', async () => {
    const { source, inlet } = opened();
    const first = inlet.some(1_000);
    await expect(inlet.some(1)).rejects.toThrow('one wait at a time');
    source.write('x');
    expect((await first).kind).toBe('bytes');
  });
});

it('notices an end that nobody waits for', async () => {
  const { source, inlet } = opened();
  source.end('unread');
  expect(await inlet.whenOver()).toBe('FIN');
  expect(text(await inlet.rest(100))).toBe('bytes: unread');
});
