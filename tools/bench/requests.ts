// Room: the benchmark of ordinary requests: proxies that run already, by turns, under ApacheBench. README.md says how.
import { type Contender, median, type Round, readContender, table } from './figures.ts';
import { processorSeconds, requests } from './measure.ts';

/** A turn is short and there are many, so that what else runs on the machine meets all alike. */
const ROUNDS = 7;

const [host = '', ...words] = process.argv.slice(2);
const contenders = words.map(readContender).filter((contender): contender is Contender => contender !== undefined);
if (host === '' || contenders.length === 0 || contenders.length < words.length) {
  console.error('usage: requests.js HOST NAME=PID@URL...');
  process.exit(1);
}

const rounds = new Map<string, Round[]>(contenders.map(({ name }) => [name, []]));
for (let round = 0; round < ROUNDS; round++) {
  // Another one begins each time: who runs first after a pause finds a colder machine.
  for (let turn = 0; turn < contenders.length; turn++) {
    const contender = contenders[(round + turn) % contenders.length];
    if (contender === undefined) continue;
    const before = processorSeconds(contender.pid);
    const { count, perSecond } = requests(contender.url, host);
    const seconds = processorSeconds(contender.pid) - before;
    rounds.get(contender.name)?.push({ perSecond, microseconds: (seconds * 1e6) / count });
  }
}
console.log(
  table(
    [...rounds].map(([name, all]) => ({
      name,
      perSecond: median(all.map(({ perSecond }) => perSecond)),
      microseconds: median(all.map(({ microseconds }) => microseconds)),
    })),
  ),
);
