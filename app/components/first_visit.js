// First visit: tells the server once per browser that nobody has taken the tour here yet.
export default function ({ setTriggerValue }) {
  if (localStorage.getItem("headscope-tour")) return;
  localStorage.setItem("headscope-tour", "seen");
  setTriggerValue("first", true);
}
