// Payload: reads a JSON header and typed arrays from one run of bytes; drawings/payload.py writes it.
const ARRAY_TYPES = { int8: Int8Array, int16: Int16Array, float32: Float32Array, uint8: Uint8Array, uint16: Uint16Array };

function readPayload(bytes) {
  const copy = bytes.byteOffset % 8 ? bytes.slice() : bytes; // typed arrays want their own alignment
  const length = new DataView(copy.buffer, copy.byteOffset, 4).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(copy.subarray(4, 4 + length)));
  const arrays = {};
  for (const { name, type, shape, offset } of header.arrays) {
    const count = shape.reduce((a, b) => a * b, 1);
    arrays[name] = new ARRAY_TYPES[type](copy.buffer, copy.byteOffset + 4 + length + offset, count);
  }
  return { header, arrays };
}
