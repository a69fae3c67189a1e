// Room: what the report's page does where scripts may run: a line and its rules, and a part of the map, light up together, by
// pointer and by keyboard; a click or Enter holds them, Escape lets go. Without it every link of the page still works.

/** Runs as it stands in any browser of the last years. It reads nothing but ids of the page, and writes nothing but classes. */
export const SCRIPT = `
'use strict';
const blockOf = (node) => (node instanceof Element ? node.closest('[data-with]') : null);
const partnersOf = (block) =>
  block.dataset.with.split(' ').map((id) => document.getElementById(id)).filter((each) => each !== null);
const mark = (block, name) => {
  for (const each of document.querySelectorAll('.' + name)) each.classList.remove(name);
  for (const each of block === null ? [] : [block, ...partnersOf(block)]) each.classList.add(name);
};
const smooth = matchMedia('(prefers-reduced-motion: no-preference)').matches ? 'smooth' : 'auto';
document.addEventListener('pointerover', (event) => mark(blockOf(event.target), 'lit'));
document.addEventListener('focusin', (event) => mark(blockOf(event.target), 'lit'));
document.addEventListener('focusout', () => mark(null, 'lit'));
document.addEventListener('click', (event) => {
  const block = blockOf(event.target);
  if (block === null || String(getSelection()) !== '') return;
  mark(block, 'picked');
  const [first] = partnersOf(block);
  if (first !== undefined && event.target.closest('a:not(.number)') === null)
    first.scrollIntoView({ block: 'nearest', behavior: smooth });
});
document.addEventListener('keydown', (event) => {
  if (event.key === 'Escape') mark(null, 'picked');
});
`;
