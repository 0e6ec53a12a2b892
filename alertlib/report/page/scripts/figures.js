// Figures made with the page, drawn when they come near: in the light look, recoloured for the dark.

function recoloured(text) {
  const dark_of = page.recolour;
  return text.replace(/#[0-9a-f]{6}\b|rgba?\(\d+, ?\d+, ?\d+/gi, (colour) => {
    if (colour.startsWith("#")) return dark_of[colour.toLowerCase()] ?? colour;
    const [head, numbers] = colour.split("(");
    const hex = numbers.split(",").map((one) => Number(one).toString(16).padStart(2, "0")).join("");
    const found = dark_of[`#${hex}`];
    if (!found) return colour;
    return `${head}(${[1, 3, 5].map((at) => parseInt(found.slice(at, at + 2), 16)).join(", ")}`;
  });
}

function drawFigure(place) {
  const text = byId(place.dataset.figure).textContent;
  const { data, layout } = JSON.parse(dark.matches ? recoloured(text) : text);
  if (touched) layout.dragmode = false;
  place.dataset.drawn = theme();
  return Plotly.react(place, data, layout, CONFIG);
}

function watchFigures() {
  const places = [...document.querySelectorAll("[data-figure]")];
  const observer = new IntersectionObserver((seen) => {
    for (const { target } of seen.filter((one) => one.isIntersecting)) {
      observer.unobserve(target);
      drawFigure(target);
    }
  }, { rootMargin: "300px" });
  places.forEach((place) => observer.observe(place));
  dark.addEventListener("change", () => places.filter((one) => one.dataset.drawn).forEach(drawFigure));
  window.addEventListener("beforeprint", () => places.filter((one) => !one.dataset.drawn).forEach(drawFigure));
}
