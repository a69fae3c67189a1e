"""impacket as the Outlook end of RPC over HTTP: bind the rpcecho interface, move data both ways, check every byte.

usage: impacket_volume.py URL USER PASSWORD DOMAIN ntlm|basic BYTES
Prints one JSON line and ends with 0 where all bytes came back right.
"""
import json
import struct
import sys

from impacket.dcerpc.v5 import transport
from impacket.http import AUTH_BASIC, AUTH_NTLM
from impacket.uuid import uuidtup_to_bin

RPCECHO = ('60a15ec5-4de8-11d7-a637-005056a20182', '1.0')
SINK_DATA, SOURCE_DATA = 2, 3
RPC_PRIVACY = 6


def pattern(count):
    return bytes(index & 255 for index in range(count))


def main(url, user, password, domain, scheme, count):
    rpc = transport.DCERPCTransportFactory('ncacn_http:EXCH1[6001,RpcProxy=unused:443]')
    rpc.set_rpc_proxy_url(url)
    rpc.set_credentials(user, password, domain)
    rpc.set_auth_type({'ntlm': AUTH_NTLM, 'basic': AUTH_BASIC}[scheme])
    dce = rpc.get_dce_rpc()
    if scheme == 'ntlm':
        dce.set_credentials(user, password, domain)
        dce.set_auth_level(RPC_PRIVACY)
    dce.connect()
    dce.bind(uuidtup_to_bin(RPCECHO))

    dce.call(SOURCE_DATA, struct.pack('<I', count))
    received = dce.recv()[4:4 + count]
    if received != pattern(count):
        raise SystemExit('the bytes that came down are not the ones the server sends')
    dce.call(SINK_DATA, struct.pack('<II', count, count) + pattern(count))
    dce.recv()
    dce.disconnect()
    print(json.dumps({'down': len(received), 'up': count}))


if __name__ == '__main__':
    main(*sys.argv[1:6], int(sys.argv[6]))
