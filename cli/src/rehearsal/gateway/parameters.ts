import type { Struct } from '../thrift/struct.ts';

/** A parameter of a statement; one without a type is null. */
interface Parameter {
  readonly name?: string;
  readonly type?: string;
  readonly value?: string;
  readonly arguments?: readonly Parameter[];
}

/** The parameters of a request in the server's format; undefined if there are none. */
export function parametersOf(request: Struct): string | undefined {
  const parameters = request.structs(0x508).map(parameter);
  return parameters.length > 0 ? JSON.stringify(parameters) : undefined;
}

function parameter(given: Struct): Parameter {
  const [name, type, value] = [given.string(2), given.string(3), textOf(given.struct(4))];
  return {
    ...(name === undefined ? {} : { name }),
    ...(type === undefined ? {} : { type }),
    ...(value === undefined ? {} : { value }),
    arguments: given.structs(5).map(argument),
  };
}

/** An element of a parameter that is an array, a map (keys and values alternate) or a struct. */
function argument(given: Struct): Parameter {
  const [type, value] = [given.string(1), given.string(2)];
  return {
    ...(type === undefined ? {} : { type }),
    ...(value === undefined ? {} : { value }),
    arguments: given.structs(3).map(argument),
  };
}

/** Drivers send a string, a number or a boolean. */
function textOf(value: Struct | undefined): string | undefined {
  return value?.string(1) ?? value?.double(2)?.toString() ?? value?.bool(3)?.toString();
}
