// Room: what must be set on Exchange for logins to work through this proxy, as lines for the Exchange Management Shell. One table row for
// each way of standing in front of it. From Microsoft's pages on Extended Protection and Set-OutlookAnywhere.
import { passedThroughTo, type RuleSet } from '@outrigger/rules';

/** How TLS reaches Exchange (README, "Extended Protection"). */
export type Mode = 'bridge' | 'pass-through' | 'offload';

export type ExchangeSettings = {
  upstream: string;
  mode: Mode;
  /** Comments begin with `#`: the whole can be pasted. */
  lines: readonly string[];
};

const SHOW = [
  "# What holds now; the script is in Exchange's Scripts folder (or from aka.ms/ExchangeEPScript):",
  'Get-OutlookAnywhere | Format-List Server,SSLOffloading,ExternalClientsRequireSsl,ExtendedProtectionTokenChecking',
  '.\\ExchangeExtendedProtectionManagement.ps1 -ShowExtendedProtection',
];
const TLS_TO_EXCHANGE = [
  '# TLS comes to Exchange itself. SSL offloading rules Extended Protection out:',
  'Get-OutlookAnywhere | Set-OutlookAnywhere -SSLOffloading $false -ExternalClientsRequireSsl $true -InternalClientsRequireSsl $true',
];

const LINES: Readonly<Record<Mode, readonly string[]>> = {
  bridge: [
    ...SHOW,
    ...TLS_TO_EXCHANGE,
    '# IIS must show the certificate that the listener shows: find it, then assign it on each server.',
    'Get-ExchangeCertificate | Format-List Subject,Thumbprint,Services,NotAfter',
    'Enable-ExchangeCertificate -Thumbprint THUMBPRINT -Services IIS',
  ],
  'pass-through': [...SHOW, ...TLS_TO_EXCHANGE],
  offload: [
    ...SHOW,
    '# Plain HTTP comes to Exchange, so no login can be bound to a certificate: Extended Protection must stay off here.',
    '# Better: https:// in servers, and the same certificate on both sides.',
    'Get-OutlookAnywhere | Set-OutlookAnywhere -SSLOffloading $true -ExtendedProtectionTokenChecking None',
    'Get-WebServicesVirtualDirectory | Set-WebServicesVirtualDirectory -ExtendedProtectionTokenChecking None',
  ],
};

/** For each upstream of Exchange, and each way that leads to it. */
export function exchangeSettings(rules: RuleSet): ExchangeSettings[] {
  const passed = new Set(passedThroughTo(rules));
  const routed = new Set(rules.routes.map(({ to }) => to));
  return [...rules.upstreams].flatMap(([upstream, { rpcOverHttp, servers }]) => {
    const modes: Mode[] = passed.has(upstream) ? ['pass-through'] : [];
    if (rpcOverHttp && routed.has(upstream)) modes.push(servers.every(isTls) ? 'bridge' : 'offload');
    return modes.map((mode) => ({ upstream, mode, lines: LINES[mode] }));
  });
}

function isTls(server: string): boolean {
  return server.startsWith('https:');
}
