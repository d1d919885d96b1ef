// A profile that is open while its person acts: at the top of the page the timeline is drawn again at once, further down a
// button offers it, so that nobody loses the place they are reading.
document.addEventListener("live", (event) => {
  const news = event.target.closest?.("[data-news]");
  if (!news) return;
  if (window.scrollY < 400) news.querySelector("[data-news-show]").click();
  else news.hidden = false;
});
document.addEventListener("click", (event) => {
  if (event.isTrusted && event.target.closest("[data-news-show]")) document.getElementById("timeline").scrollIntoView();
});
