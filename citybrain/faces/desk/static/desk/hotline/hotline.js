// What the hotline's pages do. Each part is a module of its own.
import "./taking.js";
import "./drafting.js";
