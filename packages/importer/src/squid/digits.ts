// Room: a range of whole numbers as regular expressions over their decimal digits.

/** Patterns (RE2 and ERE alike) that together match the decimal numbers from `first` to `last`, and no others. */
export function decimalRange(first: number, last: number): string[] {
  const patterns: string[] = [];
  for (let start = first; start <= last; ) {
    // The longest run from `start` that shares all but its trailing digits: 1030..1099 is 10[3-9]\d.
    let freeDigits = 0;
    while (start % 10 ** (freeDigits + 1) === 0 && start + 10 ** (freeDigits + 1) - 1 <= last && start !== 0)
      freeDigits += 1;
    const block = 10 ** freeDigits;
    const lead = Math.floor(start / block);
    const lastLead = Math.min(lead - (lead % 10) + 9, Math.floor((last + 1) / block) - 1);
    const head = lead < 10 ? '' : String(Math.floor(lead / 10));
    const digit = lead === lastLead ? String(lead % 10) : `[${lead % 10}-${lastLead % 10}]`;
    patterns.push(`${head}${digit}${'[0-9]'.repeat(freeDigits)}`);
    start = (lastLead + 1) * block;
  }
  return patterns;
}
