// What Unfold lacks for people who use a keyboard or a screen reader. Its dialogs get a role and a name, the focus while they are
// open, which goes back where it came from afterwards, and a page behind them that cannot be reached meanwhile. The names of
// its icons, which are words to a screen reader, are not read out where there are other words.
const FIRST = '[aria-invalid=true], input:not([type=hidden]), select, textarea, button';

function watch(box, page) {
  let from = null;
  let wasOpen = false;
  box.setAttribute('role', 'dialog');
  box.setAttribute('aria-modal', 'true');
  new MutationObserver(() => {
    const isOpen = getComputedStyle(box.parentElement).display !== 'none';
    if (isOpen === wasOpen) return;
    wasOpen = isOpen;
    if (isOpen) {
      from = document.activeElement;
      box.setAttribute('aria-label', box.querySelector('h1')?.textContent.trim() || 'Dialog');
      box.querySelector(FIRST)?.focus();
    }
    page.inert = isOpen;
    if (!isOpen) from?.focus();
  }).observe(box.parentElement, { attributes: true });
}

function hush(icon) {
  if (icon.parentElement.textContent.trim() !== icon.textContent.trim()) icon.setAttribute('aria-hidden', 'true');
}

document.addEventListener('DOMContentLoaded', () => {
  document.querySelectorAll('.material-symbols-outlined').forEach(hush);
  const [box, page] = ['modal-content', 'page'].map((id) => document.getElementById(id));
  if (box && page) watch(box, page);
});
