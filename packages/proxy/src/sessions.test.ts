import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { keepSessions, type SessionCache, sessionFor } from './sessions.ts';

/** A connection under `name` that gives `ticket` before its handshake is accepted or refused. */
function handshake(cache: SessionCache, name: string, ticket: string, outcome: 'accepted' | 'refused'): void {
  const socket = new EventEmitter();
  const accept = keepSessions(socket as Socket, cache, name);
  socket.emit('session', Buffer.from(ticket));
  if (outcome === 'accepted') accept();
  else socket.emit('error', new Error('refused'));
}

describe('TLS sessions towards a server', () => {
  it('are kept by the name sent, the newest of each', () => {
    const cache: SessionCache = new Map();
    handshake(cache, 'a.test', '1', 'accepted');
    handshake(cache, 'b.test', '2', 'accepted');
    handshake(cache, 'a.test', '3', 'accepted');
    expect(sessionFor(cache, 'a.test').session?.toString()).toBe('3');
    expect(sessionFor(cache, 'b.test').session?.toString()).toBe('2');
    expect(sessionFor(cache, '')).toEqual({});
  });

  it('are not kept, and no longer trusted, once a handshake was refused', () => {
    const cache: SessionCache = new Map();
    handshake(cache, 'a.test', '1', 'accepted');
    handshake(cache, 'a.test', '2', 'refused');
    expect(sessionFor(cache, 'a.test')).toEqual({});
  });

  it('are bounded, and the one longest unused goes first', () => {
    const cache: SessionCache = new Map();
    for (let number = 0; number < 300; number++) handshake(cache, `h${number}.test`, 'x', 'accepted');
    expect(cache.size).toBe(256);
    expect(sessionFor(cache, 'h0.test')).toEqual({});
    expect(sessionFor(cache, 'h299.test').session).toBeDefined();
  });
});
