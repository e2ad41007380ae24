<?php
// A SOAP server by PHP's own extension: an implementation that shares nothing with ours.
ini_set('soap.wsdl_cache_enabled', '0');

class People
{
    private string $caller = '';

    public function Caller($block)
    {
        $this->caller = $block->Unit;
    }

    public function Find($asked)
    {
        if (str_ends_with($asked->PersonalId, '000')) {
            throw new SoapFault('Client', 'no such person', null, ['Why' => 7], 'missing');
        }
        if (str_ends_with($asked->PersonalId, '999')) {
            throw new SoapFault('Server', 'out of order');
        }
        $home = new SoapVar(
            ['Province' => '01', 'Ward' => null, 'Country' => 'LA'], SOAP_ENC_OBJECT, 'Abroad', 'urn:people'
        );
        return ['Person' => [
            ['PersonalId' => $asked->PersonalId, 'Name' => 'Nguyễn & ' . ($asked->Reason ?? '') . $this->caller,
             'BirthDay' => '1999-02-14', 'Alive' => true, 'Children' => 2, 'Home' => [$home],
             'Fee' => ['_' => '10.50', 'currency' => 'VND'], 'version' => 3],
            ['PersonalId' => '012345678902', 'Name' => 'B', 'BirthYear' => '2001'],
        ]];
    }

    public function Count($text)
    {
        return strlen($text);
    }
}

class Legacy
{
    public function price($codes, $urgent)
    {
        $fees = array_map(fn ($code) => ['code' => $code, 'amount' => $urgent ? '2.5' : null], $codes);
        return ['return' => $fees, 'note' => count($codes) . ' codes'];
    }

    public function add($fee, $times)
    {
        return (int) ($fee->amount * $times);
    }
}

class Units
{
    public function Units($asked)
    {
        if (($asked->DenNgay ?? '') === 'never') {
            throw new SoapFault('Sender', 'not a day');
        }
        $rows = '<diffgr:diffgram xmlns:diffgr="urn:schemas-microsoft-com:xml-diffgram-v1"><NewDataSet xmlns="">'
            . '<TABLE diffgr:id="1"><MaTinh>01</MaTinh></TABLE></NewDataSet></diffgr:diffgram>';
        $schema = '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" id="NewDataSet"/>';
        $result = new SoapVar("<ns1:UnitsResult>$schema$rows</ns1:UnitsResult>", XSD_ANYXML);
        return new SoapVar([$result], SOAP_ENC_OBJECT);
    }
}

[$name, $version] = explode('/', trim(parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH), '/'));
$server = new SoapServer(
    getenv('CONTRACTS') . "/$name/$name.wsdl",
    ['soap_version' => $version === '12' ? SOAP_1_2 : SOAP_1_1, 'cache_wsdl' => WSDL_CACHE_NONE]
);
$server->setObject(new (['people' => People::class, 'legacy' => Legacy::class, 'units' => Units::class][$name])());
$server->handle();
