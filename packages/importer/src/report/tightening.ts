// Room: on the page, what tighter rules change and what stays a pattern.
import { formatPlace } from '@outrigger/rules';
import type { Tightening } from '../judgement.ts';
import { type Links, ruleId } from './links.ts';
import { html, type Markup } from './markup.ts';
import { http2Sentence, ruleName, sentence } from './wording.ts';

/** Undefined where there is nothing to gain and it was not asked for. */
export function tightening({ applied, routes, kept, changes, http2 }: Tightening, links: Links): Markup | undefined {
  if (!applied && routes.length === 0) return undefined;
  const http2Line = http2Sentence(http2);
  return html`<div class="panel">${
    routes.length === 0
      ? html`<p>Nothing could be made tighter.</p>`
      : html`<p>Hosts and whole path segments in place of patterns. No route takes a request that its pattern did not take.</p><ul>${routes.map(
          ({ rule, upstream, hosts, paths }) =>
            html`<li><a href="#${ruleId(rule)}">${ruleName(rule)}</a> to ${upstream}: ${hosts.join(', ')} with ${paths.join(', ')}</li>`,
        )}</ul>`
  }${
    changes.length === 0
      ? undefined
      : html`<table><caption>What changes, each asked of both rule sets</caption><thead><tr><th scope="col">Request</th><th scope="col">Before</th><th scope="col">After</th><th scope="col">Because</th></tr></thead><tbody>${changes.map(
          ({ url, before, after, because }) =>
            html`<tr><td><code>${url}</code></td><td>${before}</td><td>${after}</td><td>${because}</td></tr>`,
        )}</tbody></table>`
  }${
    kept.length === 0
      ? undefined
      : html`<p>What stays a pattern:</p><ul>${kept.map(({ at, pattern, reason }) => {
          const entry = at && links.at(at);
          const place = entry && html`<a href="#${links.directiveId(entry)}">${formatPlace(entry.at)}</a> `;
          return html`<li>${place}<code>${pattern}</code>: ${sentence(reason)}</li>`;
        })}</ul>`
  }${http2Line === undefined ? undefined : html`<p>${http2Line}</p>`}</div>`;
}
