/* Inside a mail's sandboxed frame: a pressed link is told to the phone, which decides where it opens. */
document.addEventListener('click', function (event) {
  var link = event.target.closest && event.target.closest('a[href]');
  if (!link) { return }
  event.preventDefault();
  parent.postMessage({ open: link.href }, '*');
}, true);
