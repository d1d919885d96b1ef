/* The shop's side of the product's tracker: a queue until it has loaded, then page, product and form calls. */
(function () {
  'use strict';
  window.zk = window.zk || function () { (window.zk.q = window.zk.q || []).push(arguments) };
  window.zk('page');
  document.addEventListener('DOMContentLoaded', function () {
    var product = document.querySelector('[data-product]');
    if (product) {
      window.zk('track', 'Product Viewed', {
        product_id: product.dataset.sku, sku: product.dataset.sku, name: product.dataset.name,
        category: product.dataset.category, price: Number(product.dataset.price), url: location.href.split('?')[0]
      });
    }
    var told = document.getElementById('cart-told');
    if (told) {
      var cart = JSON.parse(told.textContent);
      cart.products = cart.lines;
      delete cart.lines;
      window.zk('track', 'Cart Updated', cart);
    }
    var form = document.getElementById('coupon');
    if (form) { form.addEventListener('submit', function (event) { event.preventDefault(); leaveEmail(form) }) }
  });

  function leaveEmail(form) {
    var email = form.elements.email.value.trim();
    var good = /^[^@\s]+@[^@\s]+\.[^@\s]+$/.test(email);
    document.getElementById('email-problem').hidden = good;
    form.elements.email.setAttribute('aria-invalid', String(!good));
    if (!good) { form.elements.email.focus(); return }
    window.zk('form', form.dataset.form, { email: email, consent: form.elements.agree.checked });
    fetch('/note', { method: 'POST', body: JSON.stringify({ kind: 'email', detail: email }) });
    form.hidden = true;
    document.querySelector('.thanks').hidden = false;
  }
})();
