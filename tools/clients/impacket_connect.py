"""impacket as the Outlook end of RPC over HTTP: both channels, both logins, and the handshake of the virtual connection.

usage: impacket_connect.py URL ADDRESS USER PASSWORD DOMAIN ntlm|basic
ADDRESS is where the host of the URL is, whatever DNS says. Prints `connected` and ends with 0 where the connection stands.
"""
import socket
import sys

from impacket.dcerpc.v5 import transport
from impacket.http import AUTH_BASIC, AUTH_NTLM


def main(url, address, user, password, domain, scheme):
    dial = socket.create_connection
    socket.create_connection = lambda to, *rest, **named: dial((address, to[1]), *rest, **named)
    rpc = transport.DCERPCTransportFactory('ncacn_http:EXCH1[6001,RpcProxy=unused:443]')
    rpc.set_rpc_proxy_url(url)
    rpc.set_credentials(user, password, domain)
    rpc.set_auth_type({'ntlm': AUTH_NTLM, 'basic': AUTH_BASIC}[scheme])
    rpc.get_dce_rpc().connect()
    print('connected')
    rpc.disconnect()


if __name__ == '__main__':
    main(*sys.argv[1:7])
