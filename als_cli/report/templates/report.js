"use strict";

// Draws all charts, and makes the sample of users browsable. The page is complete without this script, except for the charts.

(() => {
  const root = document.documentElement;
  const NARROW = 600;

  const drawCharts = async () => {
    const { config, specs } = JSON.parse(document.getElementById("charts").textContent);
    const isNarrow = window.innerWidth < NARROW;
    if (isNarrow) {
      config.axisY = { labelLimit: 130 };
      config.legend.columns = 2;
    }
    // Some charts have another layout on a narrow screen.
    const layoutOf = (spec) => (isNarrow && spec.usermeta ? { ...spec, ...spec.usermeta.narrow } : spec);
    // `ast` evaluates expressions with an interpreter, because the policy of the page forbids code from text.
    const options = { actions: false, ast: true, config, defaultStyle: false, renderer: "svg" };
    let failed = 0;
    for (const place of document.querySelectorAll("[data-chart]")) {
      try {
        await window.vegaEmbed(place, layoutOf(specs[place.dataset.chart]), options);
      } catch (error) {
        failed += 1;
        place.textContent = "This chart cannot be drawn. Its numbers are in the table below.";
        console.error(place.dataset.chart, error);
      }
    }
    root.dataset.charts = failed ? "failed" : "drawn";
  };

  const browseUsers = () => {
    const browser = document.querySelector("[data-browser]");
    const cards = [...document.querySelectorAll("[data-card]")];
    if (!browser || cards.length < 2) return;
    const select = browser.querySelector("[data-select]");
    const place = browser.querySelector("[data-place]");
    const show = (number) => {
      const shown = (number + cards.length) % cards.length;
      cards.forEach((card, at) => { card.hidden = at !== shown; });
      select.value = String(shown);
      place.textContent = `${shown + 1} of ${cards.length}`;
    };
    browser.hidden = false;
    select.addEventListener("change", () => show(Number(select.value)));
    for (const button of browser.querySelectorAll("[data-step]")) {
      button.addEventListener("click", () => show(Number(select.value) + Number(button.dataset.step)));
    }
    show(Math.floor(cards.length / 2));
  };

  browseUsers();
  drawCharts();
})();
