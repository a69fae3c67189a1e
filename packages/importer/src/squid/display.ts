// Room: a squid.conf directive as a report shows it: what is a secret in it, and what must survive shortening.
import { DISPLAY_MAX, type Secrets, shortened, URL_PASSWORD, withoutSecrets } from '../display.ts';

const SECRETS: Secrets = [
  [/(\blogin=[^\s:]*:)\S+/g, '$1***'],
  [/^(cachemgr_passwd\s+)\S+/, '$1***'],
  // Helpers of authentication take a bind password this way.
  [/(\s-w\s*)\S+/g, '$1***'],
  [/(\bpass(?:word|wd|phrase)?=)\S+/gi, '$1***'],
  URL_PASSWORD,
];

/** The directive whole, on one line, without its secrets. */
export function masked(text: string): string {
  return withoutSecrets(text, SECRETS);
}

/** The same, shortened. A long cache_peer keeps its address and its name, by which people know it. */
export function displayed(text: string): string {
  const shown = masked(text);
  if (shown.length <= DISPLAY_MAX) return shown;
  const name = /^cache_peer .*?(\sname=\S+)/.exec(shown)?.[1] ?? '';
  return `${shortened(shown, DISPLAY_MAX - name.length)}${name}`;
}
