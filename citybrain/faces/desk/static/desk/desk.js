// What only the desk does. Each part is a module of its own.
import "./batch.js";
import "./board.js";
import "./picker.js";
import "./place.js";
import "./steps.js";
import "./hotline/calling.js";
