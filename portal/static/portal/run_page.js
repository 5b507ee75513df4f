// Refreshes the page of a run while it is alive: asks for its body every two seconds, less often when that fails.
(() => {
  const page = document.getElementById('kd-run');
  if (!page || !page.dataset.live) return;
  const usual = 2000;
  let pause = usual;

  async function look() {
    if (!document.hidden) {
      try {
        const answer = await fetch(page.dataset.live, { credentials: 'same-origin', redirect: 'error' });
        if (!answer.ok) throw new Error(`status ${answer.status}`);
        page.innerHTML = await answer.text();
        pause = usual;
        if (answer.headers.get('X-Run-Over') === '1') {
          // Once more as a whole: the buttons above the page are others now. An open dialog is left alone.
          const overlay = document.getElementById('modal-overlay');
          if (!overlay || overlay.offsetParent === null) window.location.reload();
          return;
        }
      } catch (error) {
        pause = Math.min(pause * 2, 30000);
      }
    }
    setTimeout(look, pause);
  }

  setTimeout(look, usual);
})();
