// Lists in an order that matters: a button moves a row up; the form posts the rows as they stand.
document.querySelectorAll("[data-order]").forEach((list) => {
  list.addEventListener("click", (event) => {
    const button = event.target.closest("[data-up]");
    const row = button?.closest("li");
    if (!row?.previousElementSibling) return;
    row.previousElementSibling.before(row);
    button.focus();
  });
});
