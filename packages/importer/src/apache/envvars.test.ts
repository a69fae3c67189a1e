import { expect, it } from 'vitest';
import { debianEnvironment, namesGiven, readEnvvars } from './envvars.ts';

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
  const { values, unread } = readEnvvars(text, debianEnvironment('/etc/apache2-intern'));
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

it('reads what Red Hat starts it with', () => {
  const { values } = readEnvvars('# OPTIONS=-DNO\nOPTIONS="-D A -DB -f conf/x.conf"\nLANG=C\n', []);
  expect(Object.fromEntries(values)).toEqual({ OPTIONS: '-D A -DB -f conf/x.conf', LANG: 'C' });
  expect(namesGiven(values.get('OPTIONS') ?? '')).toEqual(['A', 'B']);
});
