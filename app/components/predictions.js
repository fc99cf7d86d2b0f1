// Predictions: one bar per token, its width the probability; the token that came is marked.
const percent = (probability) => (probability < 0.001 ? "< 0.1 %" : `${(100 * probability).toFixed(1)} %`);

function predictionBar([token, probability], actual) {
  const line = document.createElement("li");
  const name = document.createElement("code");
  name.textContent = clipped(shownToken(token), 18);
  const track = document.createElement("div");
  const bar = document.createElement("i");
  bar.style.width = `${100 * probability}%`;
  track.append(bar);
  const number = document.createElement("span");
  number.textContent = percent(probability);
  line.classList.toggle("came", token === actual?.token);
  line.append(name, track, number);
  return line;
}

export default function ({ data, parentElement }) {
  const { likeliest, actual, said } = data;
  const root = parentElement.querySelector(".predictions");
  root.querySelector("ol").replaceChildren(...likeliest.map((pair) => predictionBar(pair, actual)));
  root.querySelector(".actual").textContent = actual
    ? `${said?.came ?? "Came"}: ${shownToken(actual.token)}, ${percent(actual.probability)}, place ${actual.rank}.`
    : (said?.end ?? "The prompt ends here.");
  root.dataset.after = data.after.position;
}
