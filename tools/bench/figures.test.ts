import { expect, it } from 'vitest';
import { median, readContender, readReport, readTicks, table } from './figures.ts';

it('reads a proxy from a word, and takes nothing else for one', () => {
  expect(readContender('ours=17@https://127.0.0.1:8443/x?y=z@1')).toEqual({
    name: 'ours',
    pid: 17,
    url: 'https://127.0.0.1:8443/x?y=z@1',
  });
  expect(readContender('ours=https://127.0.0.1:8443/')).toBeUndefined();
});

it('takes the figures of a report, unless a request was not answered well', () => {
  const report =
    'Complete requests:      14155\nFailed requests:        0\nRequests per second:    7076.35 [#/sec] (mean)\n';
  expect(readReport(report)).toEqual({ count: 14_155, perSecond: 7_076.35 });
  expect(readReport(`${report}Non-2xx responses:      1\n`)).toBeUndefined();
  expect(readReport(report.replace('requests:        0', 'requests:        3'))).toBeUndefined();
  expect(readReport('apr_socket_recv: Connection refused (111)')).toBeUndefined();
});

it('finds the ticks behind a name with blanks and brackets', () => {
  expect(readTicks('42 (a) b) S 1 1 1 0 -1 4194560 9 8 7 6 120 34 5 5 20 0 11')).toBe(154);
});

it('takes the middle, and puts ratios to the last row into the table', () => {
  expect(median([9, 1, 5])).toBe(5);
  const rows = [
    { name: 'ours', perSecond: 5_000.4, microseconds: 40 },
    { name: 'other', perSecond: 10_000, microseconds: 20.04 },
  ];
  expect(table(rows).split('\n').slice(2)).toEqual([
    '| ours | 5000 | 0.50 | 40.0 |',
    '| other | 10000 | 1.00 | 20.0 |',
  ]);
});
