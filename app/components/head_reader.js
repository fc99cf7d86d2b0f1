// Head reader: carries the questions of a head view to the server, which answers by running this again.
export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".reader");
  const questions = (root.questions ??= new HeadQuestions());
  questions.send = (question) => setTriggerValue("ask", question);
  const { view } = readPayload(data).header;
  const want = ({ detail }) => detail.view === view && questions.want(detail);
  window.addEventListener("headscope-ask", want);
  questions.answered(data);
  return () => window.removeEventListener("headscope-ask", want);
}
