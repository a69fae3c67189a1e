// Room: the part of http-proxy 1.18.1 that web.ts uses. The package brings no types.
declare module 'http-proxy' {
  import type { Agent, IncomingMessage, ServerResponse } from 'node:http';

  export type WebOptions = {
    target: { protocol: string; hostname: string; port: number };
    agent: Agent;
    /** The object that the options of node's http.request are filled into. */
    ssl: object;
    /** Take the request target as it is, without url.parse. */
    toProxy: boolean;
    /** Leave the answer to whoever listens to `proxyRes`. */
    selfHandleResponse: boolean;
  };

  export type ProxyServer = {
    web(
      request: IncomingMessage,
      response: ServerResponse,
      options: WebOptions,
      onError: (error: NodeJS.ErrnoException) => void,
    ): void;
    on(
      event: 'proxyRes',
      take: (answer: IncomingMessage, request: IncomingMessage, response: ServerResponse) => void,
    ): void;
    webPasses: { name: string }[];
  };

  const httpProxy: { createProxyServer(): ProxyServer };
  export default httpProxy;
}
