package io.nyala.wire;

import io.nyala.protocol.Common.ColumnSchemaPB;
import io.nyala.protocol.Common.ColumnTypeAttributesPB;
import io.nyala.protocol.Common.DataType;
import io.nyala.protocol.Common.EncodingType;
import io.nyala.protocol.Compression.CompressionType;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnCompression;
import io.nyala.rows.ColumnEncoding;
import io.nyala.rows.ColumnType;
import io.nyala.wire.WireException.Fault;
import java.util.Locale;

/**
 * Types, encodings and compressions under Kudu's names and numbers, and columns in the words of Kudu's messages. What
 * Kudu has and the engine has not (unsigned and 128-bit integers, virtual columns, an encoding that was given up) is
 * refused. Stateless.
 */
final class WireTypes {
    private WireTypes() {}

    /** The type of a column that a table or a projection can have. */
    static ColumnType type(String column, DataType type) {
        return switch (type) {
            case BOOL -> ColumnType.BOOL;
            case INT8 -> ColumnType.INT8;
            case INT16 -> ColumnType.INT16;
            case INT32 -> ColumnType.INT32;
            case INT64 -> ColumnType.INT64;
            case FLOAT -> ColumnType.FLOAT;
            case DOUBLE -> ColumnType.DOUBLE;
            case DECIMAL32 -> ColumnType.DECIMAL32;
            case DECIMAL64 -> ColumnType.DECIMAL64;
            case DECIMAL128 -> ColumnType.DECIMAL128;
            case STRING -> ColumnType.STRING;
            case BINARY -> ColumnType.BINARY;
            case VARCHAR -> ColumnType.VARCHAR;
            case DATE -> ColumnType.DATE;
            case UNIXTIME_MICROS -> ColumnType.UNIXTIME_MICROS;
            case IS_DELETED ->
                throw new WireException(
                        Fault.SCHEMA, "may not create virtual column of type 'is_deleted' (column '" + column + "')");
            case UINT8, UINT16, UINT32, UINT64, INT128, UNKNOWN_DATA ->
                throw WireException.notSupported(
                        Fault.SCHEMA, "column '" + column + "': a table has no columns of type " + type);
        };
    }

    static DataType type(ColumnType type) {
        return switch (type) {
            case BOOL -> DataType.BOOL;
            case INT8 -> DataType.INT8;
            case INT16 -> DataType.INT16;
            case INT32 -> DataType.INT32;
            case INT64 -> DataType.INT64;
            case FLOAT -> DataType.FLOAT;
            case DOUBLE -> DataType.DOUBLE;
            case DECIMAL32 -> DataType.DECIMAL32;
            case DECIMAL64 -> DataType.DECIMAL64;
            case DECIMAL128 -> DataType.DECIMAL128;
            case STRING -> DataType.STRING;
            case BINARY -> DataType.BINARY;
            case VARCHAR -> DataType.VARCHAR;
            case DATE -> DataType.DATE;
            case UNIXTIME_MICROS -> DataType.UNIXTIME_MICROS;
        };
    }

    /** An encoding that columns of the type may ask for: as with Kudu, not each may for each. */
    static ColumnEncoding encoding(String column, ColumnType type, EncodingType encoding) {
        boolean isAllowed =
                switch (encoding) {
                    case AUTO_ENCODING, PLAIN_ENCODING -> true;
                    case RLE -> hasRunLength(type);
                    case BIT_SHUFFLE -> !type.isVariable() && type != ColumnType.BOOL;
                    case DICT_ENCODING, PREFIX_ENCODING -> type.isVariable();
                    case GROUP_VARINT, UNKNOWN_ENCODING -> false;
                };
        if (!isAllowed) {
            throw WireException.notSupported(
                    Fault.SCHEMA,
                    "invalid encoding for column '" + column + "': encoding " + encoding + " not supported for type "
                            + type(type));
        }
        return switch (encoding) {
            case PLAIN_ENCODING -> ColumnEncoding.PLAIN;
            case RLE -> ColumnEncoding.RLE;
            case BIT_SHUFFLE -> ColumnEncoding.BIT_SHUFFLE;
            case DICT_ENCODING -> ColumnEncoding.DICT;
            case PREFIX_ENCODING -> ColumnEncoding.PREFIX;
            case AUTO_ENCODING, GROUP_VARINT, UNKNOWN_ENCODING -> ColumnEncoding.AUTO;
        };
    }

    private static boolean hasRunLength(ColumnType type) {
        return switch (type) {
            case BOOL, INT8, INT16, INT32, INT64, DATE, UNIXTIME_MICROS, DECIMAL32, DECIMAL64 -> true;
            case DECIMAL128, FLOAT, DOUBLE, STRING, BINARY, VARCHAR -> false;
        };
    }

    static EncodingType encoding(ColumnEncoding encoding) {
        return switch (encoding) {
            case AUTO -> EncodingType.AUTO_ENCODING;
            case PLAIN -> EncodingType.PLAIN_ENCODING;
            case PREFIX -> EncodingType.PREFIX_ENCODING;
            case RLE -> EncodingType.RLE;
            case DICT -> EncodingType.DICT_ENCODING;
            case BIT_SHUFFLE -> EncodingType.BIT_SHUFFLE;
        };
    }

    static ColumnCompression compression(String column, CompressionType compression) {
        return switch (compression) {
            case DEFAULT_COMPRESSION -> ColumnCompression.DEFAULT;
            case NO_COMPRESSION -> ColumnCompression.NONE;
            case SNAPPY -> ColumnCompression.SNAPPY;
            case LZ4 -> ColumnCompression.LZ4;
            case ZLIB -> ColumnCompression.ZLIB;
            case UNKNOWN_COMPRESSION ->
                throw new WireException(Fault.SCHEMA, "column '" + column + "': unknown compression");
        };
    }

    /** ZSTD, which Kudu does not know, is shown as what comes nearest. */
    static CompressionType compression(ColumnCompression compression) {
        return switch (compression) {
            case DEFAULT -> CompressionType.DEFAULT_COMPRESSION;
            case NONE -> CompressionType.NO_COMPRESSION;
            case SNAPPY -> CompressionType.SNAPPY;
            case LZ4 -> CompressionType.LZ4;
            case ZLIB, ZSTD, ZSTD_DICTIONARY -> CompressionType.ZLIB;
        };
    }

    /** As Kudu's messages write a column: {@code k3 INT64 NOT NULL}. */
    static String describe(Column column) {
        return column.name() + " " + column.describeType();
    }

    /** As Kudu's messages name a type beside a value: {@code unixtime_micros}. */
    static String lowerCaseName(ColumnType type) {
        return type.isDecimal() ? "decimal" : type.name().toLowerCase(Locale.ROOT);
    }

    /** As {@link #describe(Column)}, of a column that a client speaks of. */
    static String describe(ColumnSchemaPB column) {
        return column.getName() + " " + describeType(column);
    }

    static String describeType(ColumnSchemaPB column) {
        ColumnTypeAttributesPB attributes = column.getTypeAttributes();
        String name =
                switch (column.getType()) {
                    case DECIMAL32, DECIMAL64, DECIMAL128 ->
                        "DECIMAL(" + attributes.getPrecision() + ", " + attributes.getScale() + ")";
                    case VARCHAR -> "VARCHAR(" + attributes.getLength() + ")";
                    default -> column.getType().name();
                };
        return name
                + (column.getIsNullable() ? " NULLABLE" : " NOT NULL")
                + (column.getImmutable() ? " IMMUTABLE" : "");
    }

    /** Whether a client takes a column for what it is: by type, attributes and nullability. Others may be new to it. */
    static boolean isSame(Column column, ColumnSchemaPB given) {
        return type(column.type()) == given.getType()
                && column.isNullable() == given.getIsNullable()
                && (!given.hasTypeAttributes() || hasSameAttributes(column, given.getTypeAttributes()));
    }

    private static boolean hasSameAttributes(Column column, ColumnTypeAttributesPB given) {
        Column.Attributes attributes = column.attributes();
        return switch (column.type()) {
            case DECIMAL32, DECIMAL64, DECIMAL128 ->
                attributes.precision() == given.getPrecision() && attributes.scale() == given.getScale();
            case VARCHAR -> attributes.lengthChars() == given.getLength();
            default -> true;
        };
    }
}
