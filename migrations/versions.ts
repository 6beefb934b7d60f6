// The schema this program speaks. Apart from the migrations themselves, so that opening a book doesn't load them.

/** How many migrations there are; stored in the book, which is refused when it is newer. */
export const schemaVersion = 10;
