// A PNG of eight bits a channel with a palette instead of its colours: a third of its
// size.  The most frequent 256 colours stay as they are, others become the nearest.

import zlib, {deflateSync, inflateSync} from 'node:zlib';

const SIGNATURE = Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]);

function chunks(png) {
	const found = {IDAT: []};

	for (let at = 8; at < png.length;) {
		const length = png.readUInt32BE(at);
		const name = png.toString('latin1', at + 4, at + 8);
		const data = png.subarray(at + 8, at + 8 + length);

		if (name === 'IDAT')
			found.IDAT.push(data);
		else
			found[name] = data;
		at += length + 12;
	}
	return found;
}

function chunk(name, data) {
	const head = Buffer.alloc(8);
	const sum = Buffer.alloc(4);

	head.writeUInt32BE(data.length);
	head.write(name, 4, 'latin1');
	sum.writeUInt32BE(crc(Buffer.concat([head.subarray(4), data])));
	return Buffer.concat([head, data, sum]);
}

// node has one from 22 on
function crc(data) {
	if (zlib.crc32)
		return zlib.crc32(data);

	let c = ~0;

	for (const byte of data) {
		c ^= byte;
		for (let k = 0; k < 8; k++)
			c = c & 1 ? c >>> 1 ^ 0xedb88320 : c >>> 1;
	}
	return ~c >>> 0;
}

function paeth(a, b, c) {
	const [pa, pb, pc] = [Math.abs(b - c), Math.abs(a - c), Math.abs(a + b - 2 * c)];

	return pa <= pb && pa <= pc ? a : pb <= pc ? b : c;
}

// The rows without their filters.
function pixels(data, width, height, size) {
	const row = width * size;
	const out = Buffer.alloc(row * height);

	for (let y = 0; y < height; y++) {
		const filter = data[y * (row + 1)];

		for (let x = 0; x < row; x++) {
			const at = y * row + x;
			const a = x >= size ? out[at - size] : 0;
			const b = y > 0 ? out[at - row] : 0;
			const c = x >= size && y > 0 ? out[at - row - size] : 0;

			out[at] = data[y * (row + 1) + 1 + x] + [0, a, b, a + b >> 1, paeth(a, b, c)][filter];
		}
	}
	return out;
}

function nearest(colours, colour) {
	let best = 0;
	let least = Infinity;

	colours.forEach((other, i) => {
		const away = [16, 8, 0].reduce((sum, shift) => sum + ((other >> shift & 255) - (colour >> shift & 255)) ** 2, 0);

		if (away < least)
			[best, least] = [i, away];
	});
	return best;
}

export function withPalette(png) {
	const {IHDR, IDAT} = chunks(png);
	const [width, height, size] = [IHDR.readUInt32BE(0), IHDR.readUInt32BE(4), IHDR[9] === 6 ? 4 : 3];
	const data = pixels(inflateSync(Buffer.concat(IDAT)), width, height, size);
	const count = new Map();
	const rows = Buffer.alloc((width + 1) * height);
	const header = Buffer.from(IHDR);

	for (let at = 0; at < data.length; at += size) {
		const colour = data.readUIntBE(at, 3);

		count.set(colour, (count.get(colour) ?? 0) + 1);
	}

	const colours = [...count.keys()].sort((a, b) => count.get(b) - count.get(a)).slice(0, 256);
	const place = new Map(colours.map((colour, i) => [colour, i]));

	for (let i = 0; i < width * height; i++) {
		const colour = data.readUIntBE(i * size, 3);

		if (!place.has(colour))
			place.set(colour, nearest(colours, colour));
		rows[i + Math.floor(i / width) + 1] = place.get(colour);
	}
	header[9] = 3;
	return Buffer.concat([SIGNATURE, chunk('IHDR', header),
		chunk('PLTE', Buffer.from(colours.flatMap(colour => [colour >> 16, colour >> 8 & 255, colour & 255]))),
		chunk('IDAT', deflateSync(rows, {level: 9})), chunk('IEND', Buffer.alloc(0))]);
}
