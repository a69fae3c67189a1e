// Room: the report as one page: the old files line by line beside the rules they became, a map, and everything else the report
// says. It stands alone: nothing is fetched, nothing of a config can run in it, and it reads without scripts. Knows nothing of Squid.
import { createHash } from 'node:crypto';
import { basename } from 'node:path';
import { formatPlace } from '@outrigger/rules';
import { DISPOSITIONS, entriesInNeed } from '../ledger.ts';
import type { Translation } from '../translation.ts';
import { createLinks, directiveLinks, type Links } from './links.ts';
import { listing, SIGNS, warningMarkup } from './listing.ts';
import { map } from './map.ts';
import { html, type Markup, textOf, verbatim } from './markup.ts';
import { ruleList } from './rulelist.ts';
import { SCRIPT } from './script.ts';
import { STYLE } from './style.ts';
import { tightening } from './tightening.ts';
import { treeList } from './treelist.ts';
import { nextStep, plural } from './wording.ts';

/** Only what stands in the page and was written here: no request, no inline handler, no form, no frame. */
const POLICY = [
  "default-src 'none'",
  `style-src '${hashOf(STYLE)}'`,
  `script-src '${hashOf(SCRIPT)}'`,
  // The empty icon, without which browsers ask the server for one.
  'img-src data:',
  "base-uri 'none'",
  "form-action 'none'",
].join('; ');

const OUTCOMES = { complete: 'Carried over', partial: 'Needs you', failed: 'No rules' } as const;

/** The page, UTF-8. */
export function reportHtml(translation: Translation): string {
  const { files, about, ledger, letThrough, differences, shownRules, outcome, summary } = translation;
  const links = createLinks(ledger);
  const name = files[0]?.path ?? ledger[0]?.at.file ?? '';
  const isTight = translation.tightening?.applied === true;
  const sections: readonly [id: string, title: string, content: Markup | undefined][] = [
    ['map', 'Where requests go', shownRules && mapSection(translation, links)],
    ['files', 'Files read', treeList(translation, links)],
    ['lines', 'Line by line', besideRules(translation, links)],
    [
      'through',
      isTight ? 'What the old file let through' : 'What the old file let through, and the rules still do',
      letThrough.length === 0
        ? undefined
        : html`<div class="panel"><ul class="through">${letThrough.map((each) => {
            const entry = links.at(each.at);
            const line =
              entry === undefined
                ? undefined
                : html`<a href="#${links.directiveId(entry)}">${formatPlace(each.at)}</a>`;
            return html`<li><span>${line}</span>${warningMarkup(each, isTight)}</li>`;
          })}</ul></div>`,
    ],
    [
      'tighter',
      isTight ? 'Tightened' : 'Tighter with --tighten',
      translation.tightening && tightening(translation.tightening, links),
    ],
    [
      'differs',
      'Differs on purpose, whatever the file says',
      differences.length === 0
        ? undefined
        : html`<div class="panel"><ul class="differs">${differences.map((text) => html`<li>${text}</li>`)}</ul></div>`,
    ],
  ];
  const shown = sections.filter(([, , content]) => content !== undefined);
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<link rel="icon" href="data:,">
<title>Import of ${basename(name)}: ${OUTCOMES[outcome].toLowerCase()}</title>
<style>${verbatim(STYLE)}</style>
</head>
<body>
<a class="skip" href="#lines">To the lines</a>
<header>
<h1>What became of ${name}</h1>
<p class="lead ${outcome}">${nextStep(translation, 'named below')}</p>${needs(translation, links)}
${overviewList(translation)}${about.map((text) => html`<p>${text}</p>\n`)}<ul class="counts" aria-label="Directives by what became of them">
<li><b>${summary.directives}</b> ${summary.directives === 1 ? 'directive' : 'directives'}</li>
${DISPOSITIONS.filter((each) => summary[each] > 0).map(
  (each) =>
    html`<li><span class="sign ${each}" aria-hidden="true">${SIGNS[each]}</span><b>${summary[each]}</b> ${each}</li>\n`,
)}</ul>
<nav aria-label="Parts of the report"><ul>${shown.map(([id, title]) => html`<li><a href="#${id}">${title}</a></li>`)}</ul></nav>
</header>
<main>
${shown.map(
  ([id, title, content]) =>
    html`<section id="${id}" aria-labelledby="${id}-title"><h2 id="${id}-title">${title}</h2>\n${content}</section>\n`,
)}</main>
<footer><p>Made by outrigger import. The page is complete in itself: it asks for nothing, and secrets of the old file are shown as ***.</p></footer>
<script>${verbatim(SCRIPT)}</script>
</body>
</html>
`;
  return textOf(page);
}

function overviewList({ overview = [] }: Translation): Markup | undefined {
  if (overview.length === 0) return undefined;
  return html`<dl class="overview">${overview.map(
    ({ question, answers }) => html`<dt>${question}</dt>${answers.map((answer) => html`<dd>${answer}</dd>`)}\n`,
  )}</dl>\n`;
}

function needs({ ledger }: Translation, links: Links): Markup | undefined {
  const entries = entriesInNeed(ledger);
  if (entries.length === 0) return undefined;
  return html`<p class="needs"><b>Needs you:</b> ${directiveLinks(entries, links)}</p>`;
}

function mapSection({ shownRules, summary }: Translation, links: Links): Markup | undefined {
  if (shownRules === undefined) return undefined;
  const access = `${plural(summary.accessLines, 'access line')} ${summary.accessLines === 1 ? 'is' : 'are'} asked as well.`;
  const { drawing, isTall } = map(shownRules, links);
  // What scrolls must be reached by keyboard (WCAG 2.2, 2.1.1).
  const frame = isTall
    ? html`<div class="scroll" tabindex="0" role="region" aria-label="Map, scrolls">${drawing}</div>`
    : html`<div>${drawing}</div>`;
  return html`<figure class="panel">${frame}<figcaption>Routes are tried from top to bottom; the first that holds decides. ${access}</figcaption></figure>`;
}

function besideRules(translation: Translation, links: Links): Markup {
  const { shownRules } = translation;
  const rules =
    shownRules === undefined
      ? undefined
      : html`<aside class="file rules" aria-labelledby="rules-title"><h3 id="rules-title">outrigger.yaml</h3>${ruleList(shownRules, links)}</aside>`;
  return html`<p class="filter"><input type="checkbox" id="needed"><label for="needed">Hide comments and what is irrelevant</label></p>
<div class="beside"><div>${listing(translation, links)}</div>
${rules}</div>`;
}

function hashOf(text: string): string {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`;
}
