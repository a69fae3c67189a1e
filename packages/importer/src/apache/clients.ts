// Room: whether a condition that access lines came to holds for a client and a method. Pure.
import { addressTest, type Condition } from '@outrigger/rules';

/** True where it holds. Conditions of access lines ask for nothing but addresses and methods. */
export function clientMatches({ clients, methods, any, all, not }: Condition, client: string, method: string): boolean {
  if (clients !== undefined && !addressTest(clients)(client)) return false;
  if (methods !== undefined && !methods.includes(method)) return false;
  if (any !== undefined && !any.some((each) => clientMatches(each, client, method))) return false;
  if (all !== undefined && !all.every((each) => clientMatches(each, client, method))) return false;
  return not === undefined || !clientMatches(not, client, method);
}
