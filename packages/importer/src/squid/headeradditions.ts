// Room: fields that a squid.conf adds to every head, as changes of an upstream (SQ-208). They come last in Squid, too.
import { fieldObstacle, type HeaderChange, isFieldValue, literally, requestTemplateError } from '@outrigger/rules';
import { remark } from '../ledger.ts';
import { CREDENTIAL_FIELD } from '../redact.ts';
import { lineExpr, printTerms } from './access.ts';
import { placeholderNamed, readFormat } from './formatcodes.ts';
import { changeWhen } from './headerchange.ts';
import type { Addition } from './headers.ts';
import { atomsOf, type Expr, isNever } from './logic.ts';
import type { Resolver } from './resolve.ts';

/** What a line that adds a field comes to: one change, or none, which is remarked. */
export function lowerAddition(addition: Addition, resolver: Resolver): HeaderChange[] {
  const { name, value, isFormat, terms, directive } = addition;
  const expr = lineExpr(terms, resolver.exprOf);
  if (isNever(expr)) {
    const message = 'is added to nothing: one of its acls holds for no request';
    remark(directive.entry, 'translated', 'SQUID_CARRIED', message);
    return [];
  }
  const template: Template = isFormat ? headerTemplate(value) : { kind: 'template', text: literally(value) };
  const why = whyNotAdded(addition, template, expr, resolver);
  if (why !== undefined || template.kind === 'bad') {
    const { message = '', hint = '' } = why ?? {};
    remark(directive.entry, 'untranslated', 'SQUID_HEADER', message, { hint, fields: [name.toLowerCase()] });
    return [];
  }
  const where = terms.length === 0 ? '' : ` where ${printTerms(terms)}`;
  remark(directive.entry, 'translated', 'SQUID_CARRIED', `adds ${name}${where}`);
  return [changeWhen(expr, resolver, { add: { [name]: [template.text] } })];
}

/** What keeps an addition out of the rules, and what to do; undefined where nothing does. */
function whyNotAdded(
  { name }: Addition,
  template: Template,
  expr: Expr,
  resolver: Resolver,
): { message: string; hint: string } | undefined {
  const obstacle = fieldObstacle(name);
  if (obstacle !== undefined) return { message: `${name} cannot be added`, hint: obstacle };
  if (CREDENTIAL_FIELD.test(name)) {
    const message = `${name} may hold a secret, which an import does not copy`;
    return { message, hint: 'Write it into add of the upstream by hand.' };
  }
  if (template.kind === 'bad') {
    const message = `the value of ${name} holds ${template.code}, which rules cannot fill in`;
    return { message, hint: 'Add the field at the server behind.' };
  }
  const unclear = atomsOf(expr).find((atom) => !resolver.isKnown(atom));
  if (unclear === undefined) return undefined;
  const message = `the acl ${resolver.nameOf(unclear)} cannot be said as a rule (${resolver.reasonOf(unclear)}), so ${name} is not added`;
  return { message, hint: 'Add it by hand where it was meant.' };
}

type Template = { kind: 'template'; text: string } | { kind: 'bad'; code: string };

/** The value as a template of a rules file; `bad` names the code it has nothing for. */
function headerTemplate(value: string): Template {
  const format = readFormat(value);
  if (format.kind === 'bad') return format;
  let text = '';
  for (const piece of format.pieces) {
    if (piece.kind === 'text') text += literally(piece.text);
    else {
      const name = placeholderNamed(piece.code);
      const isPlain = piece.escape === undefined && piece.padding === undefined && piece.argument === undefined;
      if (!isPlain || name === undefined || (name !== '-' && requestTemplateError(`{${name}}`) !== undefined))
        return { kind: 'bad', code: piece.written };
      // Squid does not know its own method yet when it adds fields (SQ-208).
      text += name === '-' || piece.code === 'rm' ? '-' : `{${name}}`;
    }
  }
  return isFieldValue(text) ? { kind: 'template', text } : { kind: 'bad', code: 'what no field may' };
}
