// Room: which Squid a file was written for, told by its own words. Versions from the release notes and from src/cf.data.pre of
// Squid 2.6 to 7.
import type { Directive } from './expand.ts';
import { isBareTime } from './settings.ts';

/** The Squid a file is read as. `given` is false where nobody said, nothing in the file decides, and the newest meaning is taken. */
export type SquidVersion = { number: number; given: boolean };

/** A version and the sentence of the report that says why; no sentence where there is nothing to say. */
export type ReadAs = { version: SquidVersion; sentence?: string };

/** The newest Squid whose meaning was seen. */
const NEWEST_KNOWN = 5.7;
/** From here on cache_peer_domain means nothing: a file that needs it, or a later one, is sure of its version. */
const LAST_CHANGE_OF_MEANING = 4;

/** A directive, or a word of one, that only some versions know. */
type Sign = { name: RegExp; word?: RegExp } & (
  | { since: number }
  /** `isFatal`: later versions do not start with it; else they pass over it. */
  | { until: number; isFatal: boolean }
);

const PORT = /^https?_port$/;

const SIGNS: readonly Sign[] = [
  { until: 2.5, isFatal: true, name: /^httpd_accel_|^http_accel_port$|^cache_host/ },
  { until: 2.7, isFatal: true, name: /^http_port$/, word: /(?<= )http11\b/ },
  { until: 2.7, isFatal: true, name: /^(?:acl|cache_peer)$/, word: /\burlgroup\b/ },
  { until: 2.7, isFatal: true, name: /^reply_body_max_size$/, word: /^\d+ (?:allow|deny)\b/ },
  { until: 2.7, isFatal: false, name: /^acl$/, word: /^all src (?:0\.0\.0\.0|0)\/\S+/i },
  { until: 2.7, isFatal: false, name: /^header_access$|^storeurl_|^zph_/ },
  { until: 2.7, isFatal: false, name: /^cache_peer$/, word: /\bmonitorurl=/ },
  { until: 3, isFatal: false, name: /^extension_methods$/ },
  { until: 3.1, isFatal: false, name: /^acl$/, word: /^manager proto cache_object/ },
  { until: 3.1, isFatal: false, name: /^(?:emulate_httpd_log|log_fqdn)$/ },
  { until: 3.4, isFatal: false, name: /^hierarchy_stoplist$/ },
  { since: 3.2, name: PORT, word: /\bno-vhost\b/ },
  {
    since: 3.2,
    name: /^(?:workers|memory_cache_shared|eui_lookup|cpu_affinity_map|(?:client|server)_idle_pconn_timeout)$/,
  },
  { since: 3.3, name: /^request_header_add$/ },
  { since: 3.4, name: /^acl$/, word: /(?<=^\S+ )(?:any-of|all-of)\b/ },
  { since: 3.4, name: /^store_id_|^configuration_includes_quoted_values$/ },
  { since: 3.5, name: PORT, word: /\brequire-proxy-header\b/ },
  { since: 3.5, name: /^(?:url_rewrite_extras|send_hit|store_miss)$/ },
  { since: 4, name: PORT, word: /(?<= )tls-[\w-]+/ },
  { since: 4, name: /^(?:tls_outgoing_options|on_unsupported_protocol)$/ },
  { since: 5, name: /^http_upgrade_request_protocols$|^happy_eyeballs_/ },
];

/** The version somebody gave (`3.5`, `3.1.20`), else the newest that would start with the file. */
export function versionOf(given: string | undefined, directives: readonly Directive[]): ReadAs {
  const match = /^(\d{1,2})(?:\.(\d))?/.exec(given ?? '');
  if (match !== null) {
    const number = Number(`${match[1]}.${match[2] ?? '0'}`);
    return { version: { number, given: true }, sentence: `Read as Squid ${shown(number)} reads it, as was said.` };
  }
  const found = directives.flatMap(signsOf);
  const floor = found.filter((sign) => 'since' in sign).sort((a, b) => b.since - a.since)[0];
  const [ceiling, leftover] = [true, false].map(
    (isFatal) =>
      found
        .filter((sign) => 'until' in sign)
        .filter((sign) => sign.isFatal === isFatal)
        .sort((a, b) => a.until - b.until)[0],
  );
  if (ceiling !== undefined && (floor === undefined || floor.since <= ceiling.until)) {
    const sentence = `Read as Squid ${shown(ceiling.until)} reads it: later ones do not start with ${ceiling.told}.`;
    return { version: { number: ceiling.until, given: true }, sentence };
  }
  const version = {
    number: Math.max(NEWEST_KNOWN, floor?.since ?? 0),
    given: floor !== undefined && floor.since >= LAST_CHANGE_OF_MEANING,
  };
  const reasons: string[] = [];
  if (floor !== undefined && ceiling !== undefined)
    reasons.push(`no Squid starts with both ${ceiling.told} and ${floor.told}`);
  else if (floor !== undefined) reasons.push(`those before ${shown(floor.since)} do not start with ${floor.told}`);
  if (leftover !== undefined)
    reasons.push(`${leftover.told} was written for ${shown(leftover.until)} or older, and it passes over that`);
  if (reasons.length === 0) return { version };
  const remedy =
    leftover === undefined || version.given
      ? ''
      : ' If the file last ran on an older one, import with --squid-version.';
  return { version, sentence: `Read as Squid ${shown(version.number)} reads it: ${reasons.join('; ')}.${remedy}` };
}

type Found = Sign & { told: string };

/** The signs a directive bears, each told with its place. */
function signsOf({ name, words, at }: Directive): Found[] {
  const texts = words.map(({ text }) => text);
  const place = `on line ${at.line} of ${at.file}`;
  const found = SIGNS.flatMap((sign): Found[] => {
    if (!sign.name.test(name)) return [];
    const word = sign.word?.exec(texts.join(' '))?.[0];
    if (sign.word === undefined) return [{ ...sign, told: `${name} ${place}` }];
    return word === undefined ? [] : [{ ...sign, told: `${word} in ${name} ${place}` }];
  });
  if (!isBareTime(name, texts)) return found;
  return [...found, { until: 3.5, isFatal: true, name: /^/, told: `${name} ${texts.join(' ')} (no unit) ${place}` }];
}

/** `3.0` and `2.7`, but `4` and later by their one number, as they are called. */
function shown(number: number): string {
  return Number.isInteger(number) && number < 4 ? number.toFixed(1) : String(number);
}
