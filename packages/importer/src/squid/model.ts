// Room: what a squid.conf says, in Squid's own terms: ports, peers, acls, access lists. One pass in file order, because Squid
// reads in one pass: what is used before it is defined is undefined (SQ-33, SQ-153).
import { remark } from '../ledger.ts';
import type { SquidAccessLine } from './access.ts';
import { type Acl, builtInAcls, type FileContext } from './acl.ts';
import { directiveKind } from './directives.ts';
import { type ErrorPages, findErrorPages } from './errorpages.ts';
import type { Directive } from './expand.ts';
import { HANDLERS } from './handlers.ts';
import { type HeaderRules, noHeaderRules, type Side } from './headers.ts';
import type { SquidLimits } from './limits.ts';
import { noLogs, type SquidLogs } from './logs.ts';
import type { Peer } from './peers.ts';
import type { Port } from './ports.ts';
import { refusedValue } from './settings.ts';
import type { SquidVersion } from './version.ts';

/** Access lists that decide over requests as a whole. `adapted` and `miss` are asked after http_access, `reply` once there is one. */
export type Lists = Record<'http' | 'adapted' | 'miss' | 'reply' | 'alwaysDirect' | 'neverDirect', SquidAccessLine[]>;

export type DenyInfo = { answer: string; acls: string[]; directive: Directive };

export type Model = {
  /** Number of the Squid that the file is read as. */
  version: number;
  ports: Port[];
  peers: Peer[];
  /** By name in lower case. */
  acls: Map<string, Acl>;
  lists: Lists;
  denyInfos: DenyInfo[];
  /** extension_methods lines: since 3.1 without effect, and the sure sign of an Exchange recipe. */
  extensionMethods: string[];
  /** Peers whose X-Forwarded-For counts: by it `src` acls see an address that a header names. */
  followForwarded: SquidAccessLine[];
  /** Who may send the PROXY header that ports ask for. */
  proxyProtocol: SquidAccessLine[];
  /** acl_uses_indirect_client off: acls see the connection all the same. */
  directAcls?: Directive;
  /** log_uses_indirect_client off: the log names the connection all the same. */
  directLog?: Directive;
  /** What servers are told of the client's address; the last line counts. */
  forwardedFor?: { policy: string; directive: Directive };
  headers: Record<Side, HeaderRules>;
  /** Pages that denials may show. */
  errorPages: ErrorPages;
  logs: SquidLogs;
  limits: SquidLimits;
};

/** Directives whose words are read as values, quotes and all. */
const FOLLOWS_QUOTES = /^acl$|_access2?$|_direct$/;

/** What a handler works on: the model so far, and what is read with it. */
export type Reading = { model: Model; files: FileContext; version: SquidVersion };

/** Reads directives into a model. What is settled by its name alone is remarked and done with. */
export function buildModel(directives: readonly Directive[], files: FileContext, version: SquidVersion): Model {
  const acls = builtInAcls();
  // Squid 6 was the first to define it.
  if (version.given && version.number < 6) acls.delete('to_linklocal');
  const model: Model = {
    version: version.number,
    ports: [],
    peers: [],
    acls,
    lists: { http: [], adapted: [], miss: [], reply: [], alwaysDirect: [], neverDirect: [] },
    denyInfos: [],
    extensionMethods: [],
    followForwarded: [],
    proxyProtocol: [],
    headers: noHeaderRules(),
    errorPages: { settings: new Map(), files: new Map(), lacksFolder: false },
    logs: noLogs(),
    limits: new Map(),
  };
  const reading: Reading = { model, files, version };
  for (const directive of directives) {
    const words = directive.words.map(({ text }) => text);
    const refused = refusedValue(directive.name, words, version.number);
    if (refused !== undefined) {
      const [disposition, severity] = refused.later
        ? (['translated', 'warning'] as const)
        : (['malformed', 'error'] as const);
      remark(directive.entry, disposition, 'SQUID_VALUE_BAD', refused.message, { hint: refused.hint, severity });
    }
    if (reading.files.quotedValues && !FOLLOWS_QUOTES.test(directive.name) && /["']/.test(directive.line.text)) {
      remark(
        directive.entry,
        'untranslated',
        'SQUID_UNTRANSLATED',
        'quoted values are followed in acl and access lines alone',
        {
          hint: 'Write the values plainly, and import again.',
        },
      );
    }
    const found = directiveKind(directive.name, words.join(' '));
    if (found.kind === 'modelled') HANDLERS[found.name](directive, reading);
    else if (found.kind === 'settled') {
      const { disposition, code, why, hint } = found.settled;
      remark(directive.entry, disposition, code, why, hint === undefined ? {} : { hint });
    } else {
      const message = 'no Squid knows this directive: it does not start';
      remark(
        directive.entry,
        'unknown',
        'SQUID_UNKNOWN_DIRECTIVE',
        message,
        found.hint === undefined ? {} : { hint: found.hint },
      );
    }
  }
  model.errorPages = findErrorPages(model.errorPages.settings, model.denyInfos, files);
  return model;
}
