/* The connection form and the fault switches speak JSON, as machines do. */
(() => {
  'use strict';
  const post = (path, data) => fetch(path, { method: 'POST', body: JSON.stringify(data) }).then(answer => answer.json());
  const form = document.querySelector('[data-json]');
  form.addEventListener('submit', async event => {
    event.preventDefault();
    const outcome = form.querySelector('[data-outcome]');
    const answer = await post(form.dataset.json, Object.fromEntries(new FormData(form)));
    if (answer.verified) { location.reload() } else { outcome.textContent = answer.error || answer.problem }
  });
  document.querySelectorAll('[data-fault]').forEach(box => box.addEventListener('change', () => {
    post('/setup/faults', { [box.dataset.fault]: box.checked ? JSON.parse(box.dataset.on) : false });
  }));
})();
