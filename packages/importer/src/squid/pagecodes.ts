// Room: what the codes in a page of Squid stand for, as fillings of a page of rules. Source: errorpage.cc, ErrorState::compileLegacyCode;
// each code as Squid 5.7 filled it in for a denial (`deny-info-page-codes`).
import { literally, PAGE_PLACES_MAX, PAGE_TYPE, type Page } from '@outrigger/rules';
import { type ErrorPages, type PageFile, type PageSetting, settingOf } from './errorpages.ts';

export type PageContext = {
  pages: ErrorPages;
  /** Number of the first port; it is the only one that Squid tells. */
  port: number;
  /** strip_query_terms off: pages tell queries, as logs do. */
  keepsQueries: boolean;
  /** Number of the Squid that the file is read as. */
  version: number;
  /** Proxies in front are believed: Squid told their address. */
  isBehindProxy: boolean;
};

/** What stands for a code; `difference`: what is lost by it, as a clause. */
type Filling = { filling: string | { file: string }; difference?: string };

/** Text that Squid writes as it is, quoted for HTML. */
const quoted = (text: string): Filling => ({ filling: literally(htmlText(text)) });
const value = (name: string): Filling => ({ filling: `{${name}}` });

/** What Squid writes where a denial has nothing to tell. */
const NOTHING: Readonly<Record<string, string>> = {
  a: '-',
  B: '',
  D: '[No Error Detail]',
  e: '0',
  E: '[No Error]',
  f: 'nothing',
  F: 'nothing',
  g: '',
  I: '[unknown]',
  m: '[not available]',
  o: '',
  O: '',
  x: '[Unknown Error Code]',
  z: '[unknown]',
  Z: '[unknown]',
  '%': '%',
};

const VALUES: Readonly<Record<string, string>> = {
  H: 'host',
  M: 'method',
  p: 'port',
  P: 'scheme',
  T: 'date',
  u: 'url',
};

/** Who Squid says it is: its version is no business of anybody's, and not known to the file. */
const NAME = 'squid';
/** Squid's own setting for the administrator where no line names one. */
const ADMINISTRATOR = 'webmaster';
/** From here on %W is empty. */
const MAIL_UNTIL = 5;
/** Characters of the longest filling a rules file may have. */
const FILLING_MAX = 4_096;

/** By letter: codes that depend on settings, or tell what no rule knows. `shownAs`: the page as the deny_info line names it. */
const OTHERS: Readonly<Record<string, (context: PageContext, shownAs: string) => Filling>> = {
  b: ({ port }) => ({ filling: String(port) }),
  c: (_, shownAs) => quoted(shownAs),
  h: (context) => hostName(context),
  i: ({ isBehindProxy }) => ({
    ...value('client'),
    ...(isBehindProxy && { difference: '%i is the client that a proxy in front names, and no more the proxy' }),
  }),
  l: ({ pages }) => ({ filling: pages.stylesheet === undefined ? '' : { file: pages.stylesheet } }),
  L: ({ pages }) => htmlOf(settingOf(pages.settings, 'err_html_text')),
  R: () => ({ filling: '', difference: '%R, the head of the request, is left out' }),
  s: (context) => named(context),
  S: (context) => {
    const [host, name] = [hostName(context), named(context)];
    const difference = host.difference ?? name.difference;
    return {
      filling: `\n<br>\n<hr>\n<div id="footer">\nGenerated {date} by ${host.filling} (${name.filling})\n</div>\n</body></html>\n`,
      ...(difference !== undefined && { difference }),
    };
  },
  t: () => ({ filling: '{date}', difference: '%t, the time of the machine, is told as %T is' }),
  U: ({ keepsQueries }) => value(keepsQueries ? 'url' : 'urlWithoutQuery'),
  w: ({ pages }) => quoted(settingOf(pages.settings, 'cache_mgr') ?? ADMINISTRATOR),
  // Seen empty on 5.7, whatever the settings are.
  W: ({ pages, version }) => ({
    filling: '',
    ...(version < MAIL_UNTIL &&
      settingOf(pages.settings, 'email_err_data') !== 'off' && {
        difference: '%W, the request in a mail to the administrator, is left out (email_err_data)',
      }),
  }),
};

/** Settings that codes tell. */
const SETTINGS: Readonly<Record<string, readonly PageSetting[]>> = {
  h: ['visible_hostname'],
  l: ['err_page_stylesheet'],
  L: ['err_html_text'],
  s: ['httpd_suppress_version_string'],
  S: ['visible_hostname', 'httpd_suppress_version_string'],
  w: ['cache_mgr'],
  W: ['cache_mgr', 'email_err_data'],
};

function hostName({ pages }: PageContext): Filling {
  const name = settingOf(pages.settings, 'visible_hostname');
  if (name !== undefined) return quoted(name);
  return { ...value('host'), difference: '%h, the name of the machine, is the host that was asked for' };
}

function named({ pages }: PageContext): Filling {
  const isAlone = settingOf(pages.settings, 'httpd_suppress_version_string') === 'on';
  return { filling: NAME, ...(!isAlone && { difference: '%s is told without the version' }) };
}

function htmlOf(html: string | undefined): Filling {
  if (html === undefined) return { filling: '[not available]' };
  const filling = literally(html);
  if (filling.length <= FILLING_MAX) return { filling };
  return { filling: '', difference: '%L, the text of err_html_text, is too long and left out' };
}

/** A page of rules, what is lost in it, as clauses, and the settings it tells; or the clause why there is none. */
export type CodedPage =
  | { kind: 'page'; page: Page; differences: string[]; tells: PageSetting[] }
  | { kind: 'none'; why: string };

/** `shownAs`: the page as the deny_info line names it, with its status. */
export function pageOf({ path, text, language }: PageFile, shownAs: string, context: PageContext): CodedPage {
  const letters = [...text.matchAll(/%([\s\S])/g)].map(([, letter = '']) => letter);
  const filled = new Map<string, Filling>();
  let places = 0;
  for (const letter of letters) {
    const filling = fillingOf(letter, context, shownAs);
    if (filling === undefined) continue; // what is no code stands for itself, there and here
    places += 1;
    filled.set(letter, filling);
  }
  if (places > PAGE_PLACES_MAX)
    return { kind: 'none', why: `it has ${places} codes, and ${PAGE_PLACES_MAX} are the most` };
  const differences = [...filled.values()].flatMap(({ difference }) => difference ?? []);
  if (/@Squid\{/.test(text)) differences.push('@Squid{…} in it is not filled in');
  const fill = Object.fromEntries([...filled].map(([letter, { filling }]) => [`%${letter}`, filling]));
  return {
    kind: 'page',
    page: {
      file: path,
      type: PAGE_TYPE,
      ...(language !== undefined && { language }),
      ...(filled.size > 0 && { fill }),
    },
    differences: [...new Set(differences)],
    tells: [...filled.keys()].flatMap((letter) => SETTINGS[letter] ?? []),
  };
}

function fillingOf(letter: string, context: PageContext, shownAs: string): Filling | undefined {
  const [nothing, name] = [NOTHING[letter], VALUES[letter]];
  if (nothing !== undefined) return { filling: nothing };
  return name === undefined ? OTHERS[letter]?.(context, shownAs) : value(name);
}

function htmlText(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
