// Room: what the values of an acl mean, as a value: the words in which readers of values and the lowering talk.
import type { Condition } from '@outrigger/rules';
import type { ImportCode } from '../codes.ts';
import type { Ere } from './ere.ts';

/** Something to say about the values of one acl line. */
export type ValueNote = {
  code: ImportCode;
  message: string;
  hint?: string;
  /** Squid refuses it. */
  grave?: true;
  /** Requests for which the condition may say another thing than Squid. */
  concerns?: Condition;
};

/** A pattern of an acl as written, with its tree: for the search for what it lets through. */
export type Pattern = { text: string; ere: Ere; ignoreCase: boolean };

/** What one acl line means. */
export type Meaning = { notes: ValueNote[] } & (
  | { kind: 'condition'; condition: Condition; patterns: Pattern[] }
  | { kind: 'always' }
  | { kind: 'never' }
  | { kind: 'inexpressible'; reason: string }
  /** A condition near enough for a list that decides over access, and never for a route; `reason` says what differs. */
  | { kind: 'approximate'; condition: Condition; reason: string }
);

/** What meanings depend on besides the values. */
export type MeaningContext = {
  /** Ports that will be listeners. `word` is the address as written, or `name=`; `listener` what a condition calls it. */
  ports: readonly { word: string; listener: string; port: number; tls: boolean; host?: string }[];
  /** The Host every request gets, where all ports replace it (`no-vhost`; SQ-106). */
  site?: string;
  /** A port line puts another port into every URL (`vport`; SQ-109): the line that does; the port, where all lines agree. */
  replacedPort?: { by: string; number?: number };
  /** Why rules do not see the client that `src` acls see, where they do not (follow_x_forwarded_for). */
  unseenClients?: string;
  /** `src` acls see who connects, and rules a client that a trusted proxy names (acl_uses_indirect_client off). */
  srcIsConnection?: true;
};

/** For acls that look at a URL no rule can see. */
export function urlReplaced({ site, replacedPort }: MeaningContext): Meaning {
  const reason =
    site !== undefined
      ? `the port lines put ${site} into every URL, which the pattern sees and a rule does not`
      : `${replacedPort?.by} puts its own port into every URL, which the pattern sees and a rule does not`;
  return { kind: 'inexpressible', reason, notes: [] };
}

/** Values that a condition says exactly. */
export function meant(condition: Condition, notes: ValueNote[], patterns: Pattern[] = []): Meaning {
  return { kind: 'condition', condition, notes, patterns };
}
