import { expect, it } from 'vitest';
import { readEnvvars } from './envvars.ts';

it('reads the assignments of Debian and runs nothing', () => {
  const text = [
    'unset HOME',
    `if [ "$\{APACHE_CONFDIR##/etc/apache2-}" != "$\{APACHE_CONFDIR}" ] ; then`,
    `	SUFFIX="-$\{APACHE_CONFDIR##/etc/apache2-}"`,
    'else',
    '	SUFFIX=',
    'fi',
    'export APACHE_RUN_USER=www-data',
    'export APACHE_LOG_DIR=/var/log/apache2$SUFFIX',
    'export LANG=C',
    'export LANG',
    '#export COMMENTED=1',
    `A="$LANG/\${NONE}/\${NONE:-d}" # comment`,
    "B='$LANG'; export B",
    'C=$(hostname -f)',
    'D=`hostname`',
    'E="a $(id)"',
  ].join('\n');
  const { values, unread } = readEnvvars(text, '/etc/apache2-intern');
  expect(Object.fromEntries(values)).toEqual({
    APACHE_CONFDIR: '/etc/apache2-intern',
    SUFFIX: '-intern',
    APACHE_RUN_USER: 'www-data',
    APACHE_LOG_DIR: '/var/log/apache2-intern',
    LANG: 'C',
    A: 'C//d',
    B: '$LANG',
  });
  expect(unread.map(({ line }) => line)).toEqual([14, 15, 16]);
});
