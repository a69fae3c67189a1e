// Room: MD4 (RFC 1320). NTLM hashes passwords with it, and Node's OpenSSL 3 no longer offers it. For nothing else.

/** Per round (RFC 1320 3.4): the mixing function, its constant, which word of the block each step takes, rotations. */
const ROUNDS = [
  {
    mix: (x: number, y: number, z: number) => (x & y) | (~x & z),
    constant: 0,
    words: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
    rotations: [3, 7, 11, 19],
  },
  {
    mix: (x: number, y: number, z: number) => (x & y) | (x & z) | (y & z),
    constant: 0x5a82_7999,
    words: [0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15],
    rotations: [3, 5, 9, 13],
  },
  {
    mix: (x: number, y: number, z: number) => x ^ y ^ z,
    constant: 0x6ed9_eba1,
    words: [0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15],
    rotations: [3, 9, 11, 15],
  },
];
const BLOCK = 64;

/** The 16-byte digest. */
export function md4(message: Buffer): Buffer {
  const state = new Uint32Array([0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476]);
  const padded = pad(message);
  for (let at = 0; at < padded.length; at += BLOCK) {
    const mixed = Uint32Array.from(state);
    for (const { mix, constant, words, rotations } of ROUNDS) {
      for (const [step, word] of words.entries()) {
        const [a = 0, b = 0, c = 0, d = 0] = mixed;
        const sum = (a + mix(b, c, d) + padded.readUInt32LE(at + 4 * word) + constant) | 0;
        mixed.set([d, rotateLeft(sum, rotations[step % 4] ?? 0), b, c]);
      }
    }
    for (const [index, word] of mixed.entries()) state[index] = (state[index] ?? 0) + word;
  }
  const digest = Buffer.alloc(16);
  for (const [index, word] of state.entries()) digest.writeUInt32LE(word, 4 * index);
  return digest;
}

/** RFC 1320 3.1 and 3.2: a one bit, zeros, and the length in bits as 64 bits, up to a whole block. */
function pad(message: Buffer): Buffer {
  const padded = Buffer.alloc(Math.ceil((message.length + 9) / BLOCK) * BLOCK);
  message.copy(padded);
  padded[message.length] = 0x80;
  padded.writeBigUInt64LE(BigInt(message.length) * 8n, padded.length - 8);
  return padded;
}

function rotateLeft(word: number, bits: number): number {
  return ((word << bits) | (word >>> (32 - bits))) >>> 0;
}
