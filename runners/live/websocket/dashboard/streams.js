"use strict";
// A line per stream that the server follows, whether it has had alerts or not.

const LISTED = 12;

// `other` is the chart's stream, which an older server may not tell of.
function showStreams(other) {
  const streams = [...market.followed];
  if (other && !streams.some((one) => streamOf(one) === streamOf(other))) streams.push(other);
  const list = find("streams");
  find("market").hidden = !streams.length || find("desk").hidden;
  find("origin").textContent = MARKS.filter((mark) => streams.some((one) => market.marks(one).includes(mark)))
    .map((mark) => t(`mark_${mark}`)).join(" · ");
  const shownStreams = streams.slice(0, LISTED);
  while (list.children.length > shownStreams.length) list.lastElementChild.remove();
  shownStreams.forEach((stream, place) => showStream(list.children[place] ?? list.appendChild(line()), stream));
}

function line() {
  const item = make("li");
  item.append(make("strong"), " ", make("span"));
  return item;
}

function showStream(item, stream) {
  const [name, text] = [item.querySelector("strong"), item.querySelector("span")];
  const [title, said] = [`${stream.symbol} ${stream.timeframe}`, market.line(stream)];
  if (name.textContent !== title) name.textContent = title;
  if (text.textContent !== said) text.textContent = said;
  item.classList.toggle("trouble", market.isInTrouble(stream));
}
