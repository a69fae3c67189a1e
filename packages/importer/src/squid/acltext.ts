// Room: acl values that are texts: patterns over the URL and over fields, and domains.
import type { Condition, HeaderCondition, UrlCondition } from '@outrigger/rules';
import { CREDENTIAL_FIELD, MASK } from '../redact.ts';
import type { AclValue } from './acl.ts';
import { type Meaning, type MeaningContext, meant, type Pattern, urlReplaced, type ValueNote } from './meaning.ts';
import { type Subject, translatePattern } from './regex.ts';

/** Patterns of one line OR; one that Squid cannot compile is dropped alone (SQ-85). */
export function patterns(values: readonly AclValue[], subject: Subject): Meaning {
  const found = readPatterns(values, subject);
  if (found.kind !== 'patterns') return found;
  return found.list.length === 0
    ? { kind: 'never', notes: found.notes }
    : meant({ url: found.list }, found.notes, found.patterns);
}

type Patterns = { kind: 'patterns'; list: UrlCondition[]; patterns: Pattern[]; notes: ValueNote[] };

/** `shown` is a pattern as messages may quote it. */
function readPatterns(
  values: readonly AclValue[],
  subject: Subject,
  shown = (text: string): string => text,
): Patterns | Extract<Meaning, { kind: 'always' | 'inexpressible' }> {
  const list: UrlCondition[] = [];
  const patterns: Pattern[] = [];
  const notes: ValueNote[] = [];
  for (const { text, ignoreCase } of values) {
    const translation = translatePattern(text, ignoreCase, subject);
    switch (translation.kind) {
      case 'patterns':
        list.push(...translation.patterns);
        patterns.push({ text, ere: translation.ere, ignoreCase });
        notes.push(...escapeNotes(text, ignoreCase));
        break;
      case 'never':
        notes.push(...escapeNotes(text, ignoreCase));
        break;
      case 'always':
        return { kind: 'always', notes: [{ code: 'SQUID_CARRIED', message: `${shown(text)} matches everything` }] };
      case 'invalid':
        notes.push({
          code: 'SQUID_REGEX_DROPPED',
          message: `Squid drops the pattern ${shown(text)}: ${translation.message}. Dropped here too`,
          hint: 'Correct the pattern if it was meant to count.',
        });
        break;
      case 'inexpressible':
        return { kind: 'inexpressible', reason: `of the pattern ${shown(text)}: ${translation.message}`, notes };
    }
  }
  return { kind: 'patterns', list, patterns, notes };
}

/** People write \d for a digit; to POSIX it is the letter, and with -i glibc matches nothing at all by it (SQ-82). */
function escapeNotes(text: string, ignoreCase: boolean): ValueNote[] {
  const written = /(?<!\\)(?:\\\\)*(\\[dDhHvVnrtfaeAZzGKRQE])/.exec(text.replaceAll(/\[[^\]]*\]/g, ''))?.[1];
  if (written === undefined) return [];
  const nothing = ignoreCase && /[a-z]/.test(written);
  const message = nothing
    ? `${written} is no class to Squid, and with -i it matches nothing: neither does the rule`
    : `${written} is the letter ${written.slice(1)} to Squid, and so it is in the rule`;
  return [{ code: 'SQUID_REGEX_ESCAPE', message, hint: 'A digit is [0-9].' }];
}

/**
 * Regexes on the value of a field; a request without the field never matches, even an empty pattern (SQ-70). Host is what Squid made
 * of it: the host and port of the URL, in lower case (HttpRequest, prepareAcceleratedURL).
 */
export function headers(name: string, values: readonly AclValue[], context: MeaningContext): Meaning {
  if (name.toLowerCase() === 'host') return hostField(values, context);
  if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name))
    return { kind: 'inexpressible', reason: `${name} is no field name`, notes: [] };
  const found = readPatterns(values, 'text', CREDENTIAL_FIELD.test(name) ? () => MASK : undefined);
  if (found.kind === 'inexpressible') return found;
  const list: HeaderCondition[] =
    found.kind === 'always' ? [{ name, regex: '^' }] : found.list.map((each) => ({ name, ...each }));
  return list.length === 0 ? { kind: 'never', notes: found.notes } : meant({ headers: list }, found.notes);
}

function hostField(values: readonly AclValue[], context: MeaningContext): Meaning {
  if ((context.site ?? context.replacedPort) !== undefined) return urlReplaced(context);
  const meaning = patterns(values, 'authority');
  const isThere: Condition = { headers: [{ name: 'Host', regex: '^' }] };
  if (meaning.kind === 'always') return meant(isThere, meaning.notes);
  if (meaning.kind !== 'condition') return meaning;
  return { ...meaning, condition: { ...isThere, ...meaning.condition } };
}

/** `.x` is the domain and all below, `x` is exact, case-blind (SQ-50 to SQ-52); the same words as in `hosts`. */
export function domains(values: readonly AclValue[], { site }: MeaningContext): Meaning {
  const notes: ValueNote[] = [];
  const hosts: string[] = [];
  for (const { text } of values) {
    const host = text.toLowerCase();
    if (/[/:*!\s]/.test(host)) {
      const meant = host
        .replace(/^[a-z]+:\/\//, '')
        .replace(/[/:].*$/, '')
        .replace(/^\*\./, '.');
      notes.push({
        code: 'SQUID_DSTDOMAIN_NEVER',
        message: `${text} never matches: dstdomain compares the host alone, letter by letter`,
        ...(meant !== '' && { hint: `${meant} was probably meant.` }),
      });
      continue;
    }
    const over = hosts.find(
      (each) => host.startsWith('.') && each !== host && (each.endsWith(host) || each === host.slice(1)),
    );
    if (over !== undefined) {
      notes.push({
        code: 'SQUID_ACL_BAD',
        message: `${over} is a subdomain of ${text} and stands before it: Squid does not start`,
        grave: true,
      });
    }
    hosts.push(host);
  }
  if (site !== undefined) {
    const host = site.replace(/:\d+$/, '').toLowerCase();
    const holds = hosts.some((each) => (each.startsWith('.') ? `.${host}`.endsWith(each) : each === host));
    return { kind: holds ? 'always' : 'never', notes };
  }
  return hosts.length === 0 ? { kind: 'never', notes } : meant({ hosts }, notes);
}
